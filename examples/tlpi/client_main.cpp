#include "tlpi/programs.hpp"

int main(int argc, char** argv) { return examples::run(tlpi::client_program, argc, argv); }
