// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's only process: loads the module and lets it serve.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <live.h>

#include "mappings.c"
#include "plans.c"

static void off(const char *what)
{
	printf("gupdiff: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/* What the kernel's command line says. */
static unsigned long long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : 0;
}

int main(void)
{
	int fd;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	fd = open("/gupdiff.ko", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		off("the module cannot be loaded");
	fd = open("/dev/gupdiff", O_RDWR);
	if (fd < 0)
		off("/dev/gupdiff");
	if (getenv("gupdiff_mappings") && run_mappings(fd))
		off("the mappings");
	if (run_plans(fd, number("gupdiff_plans"), number("gupdiff_seed")))
		off("the random mappings");
	ioctl(fd, GD_LIVE_SERVE);
	off("the module has stopped");
}
