// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of selftests.  A test has those that it uses: each part begins with a
 * comment that names the word which only its users have.
 */

/* for: always */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/magic.h>
#include <linux/types.h>

/* for: check( */
static int checks, failed;

static void check(int is_right, const char *what)
{
	checks++;
	failed += !is_right;
	printf("%sok %d %s\n", is_right ? "" : "not ", checks, what);
}

/* for: need( */
/* Without it the test cannot be made. */
static void need(int is_there, const char *what)
{
	if (is_there)
		return;
	printf("1..0 # SKIP %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(4);
}

/* for: map( */
static void map(int first, int nr, int prot, int flags, int fd)
{
	char *p = RANGE + first * PAGE;

	need(mmap(p, nr * PAGE, prot, flags | MAP_FIXED_NOREPLACE, fd, 0) == p, "mmap");
	madvise(p, nr * PAGE, MADV_NOHUGEPAGE);
}

/* for: memfd( */
/* A file of shmem. */
static int memfd(int nr)
{
	int fd = memfd_create("gup_test", 0);

	need(fd >= 0 && !ftruncate(fd, nr * PAGE), "memfd_create");
	return fd;
}

/* for: disk_file( */
/* A file of a file system that is told of the first write to a page. */
static int disk_file(int nr)
{
	char name[] = "gup_test.XXXXXX";
	int fd = mkstemp(name);
	struct statfs fs;

	need(fd >= 0 && !ftruncate(fd, nr * PAGE), "mkstemp");
	unlink(name);
	errno = EOPNOTSUPP;
	need(!fstatfs(fd, &fs) && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC,
	     "a file on a disk in the current directory");
	return fd;
}

/* for: secret( */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

static int secret(int nr)
{
	int fd = syscall(SYS_memfd_secret, 0);

	need(fd >= 0 && !ftruncate(fd, nr * PAGE), "memfd_secret (secretmem.enable=1?)");
	return fd;
}

/* for: read_only( */
/* The same file, which cannot be mapped shared and writable. */
static int read_only(int fd)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	fd = open(name, O_RDONLY);
	need(fd >= 0, name);
	return fd;
}

/* for: put( */
/* Into the page cache. */
static void put(int fd, int page_of_file, char byte)
{
	char page[PAGE];

	memset(page, byte, PAGE);
	need(pwrite(fd, page, PAGE, page_of_file * PAGE) == PAGE, "pwrite");
}

/* for: fill( */
static void fill(int page, char byte)
{
	memset(RANGE + page * PAGE, byte, PAGE);
}

/* for: touch( */
/* It is only read. */
static void touch(int page)
{
	(void)*(volatile char *)(RANGE + page * PAGE);
}

/* for: protect( */
static void protect(int first, int nr, int prot)
{
	need(!mprotect(RANGE + first * PAGE, nr * PAGE, prot), "mprotect");
}

/* for: is_all( */
/* Is each byte of a page that one? */
static int is_all(const char *page, char byte)
{
	return *page == byte && !memcmp(page, page + 1, PAGE - 1);
}

/* for: child_ */
static pid_t child;
static int child_question[2];

/*
 * A child that shares all pages so far, but for those with a bit in `without`.  Asked, it
 * says whether those with a bit in `pages` are as they were.
 */
static void child_shares(unsigned int pages, unsigned int without)
{
	int ready[2], status = 0, i;
	char c = 0;

	need(!pipe(ready) && !pipe(child_question), "pipe");
	child = fork();
	need(child >= 0, "fork");
	if (child) {
		need(read(ready[0], &c, 1) == 1, "fork");
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < NR_PAGES; i++)
		if (without & 1 << i)
			munmap(RANGE + i * PAGE, PAGE);
	if (write(ready[1], &c, 1) != 1 || read(child_question[0], &c, 1) != 1)
		_exit(1);
	for (i = 0; i < NR_PAGES; i++)
		if (pages & 1 << i && !is_all(RANGE + i * PAGE, 'a' + i))
			status = 1;
	_exit(status);
}

static inline int child_keeps_its_pages(void)
{
	char c = 0;
	int status;

	return write(child_question[1], &c, 1) == 1 && waitpid(child, &status, 0) == child &&
	       WIFEXITED(status) && !WEXITSTATUS(status);
}

/* for: pfn( */
/* The number of the page frame that is mapped there, 0 if none is. */
static uint64_t pfn_at(const void *address)
{
	static int fd = -1;
	uint64_t entry = 0;

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY);
	need(pread(fd, &entry, sizeof(entry), (uintptr_t)address / PAGE * sizeof(entry)) ==
	     sizeof(entry), "/proc/self/pagemap");
	if (!(entry >> 63))
		return 0;
	errno = EPERM;
	need(!!(entry << 9), "page frame numbers in /proc/self/pagemap");
	return entry & ((1ull << 55) - 1);
}

static inline uint64_t pfn(int page)
{
	return pfn_at(RANGE + page * PAGE);
}

/* for: zero_pfn( */
static uint64_t zero_pfn(void)
{
	volatile char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED, "mmap");
	(void)*p;
	return pfn_at((const void *)p);
}

/* for: warned( */
/* Has the kernel warned, since it was asked the first time? */
static int warned(void)
{
	static long before = -1;
	long taint = -1;
	FILE *file = fopen("/proc/sys/kernel/tainted", "r");

	need(file && fscanf(file, "%ld", &taint) == 1, "/proc/sys/kernel/tainted");
	fclose(file);
	if (before < 0) {
		before = taint;
		errno = EALREADY;
		need(!(taint & 1 << 9), "a kernel that has not warned yet");
	}
	return (taint & ~before & 1 << 9) != 0;
}

/* for: gup_fd */
static int gup_fd;

static void gup_open(void)
{
	gup_fd = open("/sys/kernel/debug/gup_test", O_RDWR);
	need(gup_fd >= 0, "/sys/kernel/debug/gup_test (CONFIG_GUP_TEST)");
}

/* for: gup_test( */
struct gup_test {
	__u64 get_delta_usec;
	__u64 put_delta_usec;
	__u64 addr;
	__u64 size;
	__u32 nr_pages_per_call;
	__u32 gup_flags;
	__u32 test_flags;
	__u32 which_pages[8];
};

#define GUP_FAST_BENCHMARK	_IOWR('g', 1, struct gup_test)
#define PIN_FAST_BENCHMARK	_IOWR('g', 2, struct gup_test)
#define PIN_LONGTERM_BENCHMARK	_IOWR('g', 3, struct gup_test)
#define GUP_BASIC_TEST		_IOWR('g', 4, struct gup_test)
#define PIN_BASIC_TEST		_IOWR('g', 5, struct gup_test)

/* One call; the bytes that it was for, 0 if it fails: gup_test keeps the errno. */
static long gup_test(unsigned long command, int nr, unsigned int flags)
{
	struct gup_test gup = {
		.addr = (unsigned long)RANGE,
		.size = nr * PAGE,
		.nr_pages_per_call = nr,
		.gup_flags = flags,
	};

	return ioctl(gup_fd, command, &gup) ? -errno : (long)gup.size;
}

/* for: pin_longterm_ */
struct pin_longterm_test {
	__u64 addr;
	__u64 size;
	__u32 flags;
};

#define PIN_LONGTERM_TEST_START	_IOW('g', 7, struct pin_longterm_test)
#define PIN_LONGTERM_TEST_READ	_IOW('g', 9, __u64)

/* The pages stay pinned until the file is closed. */
static long pin_longterm_start(int nr, int write, int fast)
{
	struct pin_longterm_test args = {
		.addr = (unsigned long)RANGE,
		.size = nr * PAGE,
		.flags = write | fast << 1,
	};

	return ioctl(gup_fd, PIN_LONGTERM_TEST_START, &args) ? -errno : 0;
}

/* What is in the pinned pages. */
static inline void pin_longterm_read(char *buffer)
{
	__u64 address = (unsigned long)buffer;

	if (ioctl(gup_fd, PIN_LONGTERM_TEST_READ, &address))
		printf("# PIN_LONGTERM_TEST_READ: %s\n", strerror(errno));
}

/* for: vmsplice_ */
static int vmsplice_pipe[2];

/* The pages themselves are in the pipe until they are read from it. */
static long vmsplice_pages(int nr)
{
	struct iovec iov = { RANGE, nr * PAGE };
	ssize_t ret;

	need(!pipe(vmsplice_pipe), "pipe");
	ret = vmsplice(vmsplice_pipe[1], &iov, 1, SPLICE_F_NONBLOCK);
	return ret < 0 ? -errno : ret;
}

static inline void vmsplice_read(char *buffer, size_t size)
{
	ssize_t ret;

	for (; size; buffer += ret, size -= ret) {
		ret = read(vmsplice_pipe[0], buffer, size);
		if (ret <= 0)
			return;
	}
}

/* for: process_vm( */
static long process_vm(char *buffer, int nr, int write)
{
	struct iovec local = { buffer, nr * PAGE }, remote = { RANGE, nr * PAGE };
	ssize_t ret;

	ret = write ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0) :
		      process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	return ret < 0 ? -errno : ret;
}

/* for: proc_mem( */
/* It is accessed whatever the mapping permits. */
static long proc_mem(char *buffer, int nr, int write)
{
	int fd = open("/proc/self/mem", O_RDWR);
	off_t offset = (uintptr_t)RANGE;
	ssize_t ret;

	ret = write ? pwrite(fd, buffer, nr * PAGE, offset) : pread(fd, buffer, nr * PAGE, offset);
	return ret < 0 ? -errno : ret;
}

/* for: populate( */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

static long populate(int nr, int write)
{
	int advice = write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	return madvise(RANGE, nr * PAGE, advice) ? -errno : 0;
}

/* for: main */
int main(void)
{
	int status, tenths;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	pid = fork();
	if (!pid) {
		set_up();
		printf("1..%d\n", NR_CHECKS);
		test();
		fflush(stdout);
		_exit(failed ? 1 : 0);
	}
	for (tenths = 0; tenths < 600; tenths++) {
		if (waitpid(pid, &status, WNOHANG) != pid) {
			usleep(100000);
			continue;
		}
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		printf("Bail out! Signal %d has ended the test.\n", WTERMSIG(status));
		return 1;
	}
	kill(pid, SIGKILL);
	printf("Bail out! The call does not return.\n");
	return 1;
}
