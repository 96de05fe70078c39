/* The daemon from the command line to its exit status. */
#pragma once

/* Main thread. Returns the process's exit status. */
int app_main(int argc, char **argv);
