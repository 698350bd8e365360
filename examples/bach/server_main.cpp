#include "bach/programs.hpp"

int main(int argc, char** argv) { return examples::run(bach::server_program, argc, argv); }
