#include "bach/programs.hpp"

int main(int argc, char** argv) { return examples::run(bach::client_program, argc, argv); }
