#include "tlpi/programs.hpp"

int main(int argc, char** argv) { return examples::run(tlpi::server_program, argc, argv); }
