#include "ctl/ctl_cmd.h"

int main(int argc, char **argv)
{
	return (int)ctl_cmd_main(argc, argv);
}
