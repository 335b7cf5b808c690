// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of a guest that runs tests of user space: every program of /tests,
 * whose status it prints.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const char *name)
{
	int status = -1;
	pid_t pid;

	printf("gupdiff: %s\n", name);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execl(name, name, NULL);
		printf("%s: %s\n", name, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	printf("gupdiff: %s: status %d\n", name, WIFEXITED(status) ? WEXITSTATUS(status) : 255);
	fflush(stdout);
}

int main(void)
{
	static const char *const mounts[][2] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "devtmpfs", "/dev" },
	};
	struct dirent **entries;
	int i, nr, fd;

	for (i = 0; i < 4; i++) {
		mkdir(mounts[i][1], 0755);
		mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	nr = chdir("/tests") ? 0 : scandir(".", &entries, NULL, alphasort);
	for (i = 0; i < nr; i++)
		if (entries[i]->d_name[0] != '.')
			run(entries[i]->d_name);
	reboot(RB_AUTOBOOT);
	return 1;
}
