// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of every kind that a process can have, and calls on them.  What a
 * call must give is said here; what it must leave on the folios follows from
 * the page level, and the host compares that.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define MAP_PAGE	4096ul
#define HUGE		(2ul << 20)
#define WRITE		(1u << GD_FOLL_WRITE)
#define LONGTERM	(1u << GD_FOLL_LONGTERM)
#define FORCE		(1u << GD_FOLL_FORCE)

static int device, failures;

/* Is it a kernel of this version, or a newer one? */
static int since(int major, int minor)
{
	struct utsname name;
	char *rest;
	long a, b;

	uname(&name);
	a = strtol(name.release, &rest, 10);
	b = strtol(rest + 1, NULL, 10);
	return a > major || (a == major && b >= minor);
}

static const char *const call_names[GD_NR_USER_CALLS] = {
	[GD_USER_PIN_FAST] = "pin_user_pages_fast",
	[GD_USER_PIN] = "pin_user_pages",
	[GD_USER_PIN_UNLOCKED] = "pin_user_pages_unlocked",
	[GD_USER_GET_FAST] = "get_user_pages_fast",
	[GD_USER_GET] = "get_user_pages",
	[GD_USER_GET_UNLOCKED] = "get_user_pages_unlocked",
};

/* what a call must give besides what it returns */
struct want {
	unsigned int facts, order;
	unsigned int back;	/* pins that were taken first and given back */
};

static void try(const char *what, unsigned int call, const void *address, int nr,
		unsigned int foll, int want, struct want more)
{
	struct gd_user u = {
		.address = (unsigned long)address, .call = call, .foll = foll,
		.nr_pages = nr, .want = want, .want_facts = more.facts,
		.want_order = more.order, .want_back = more.back,
	};

	snprintf(u.name, sizeof(u.name), "%s, %s%s%s%s", what, call_names[call],
		 foll & WRITE ? " write" : "", foll & LONGTERM ? " long-term" : "",
		 foll & FORCE ? " force" : "");
	if (ioctl(device, GD_LIVE_USER, &u)) {
		printf("gupdiff: %s: %s\n", u.name, strerror(errno));
		failures++;
	}
}

static void try_all(const char *what, const void *address, int nr, unsigned int foll,
		    int want, struct want more)
{
	unsigned int call;

	for (call = 0; call < GD_NR_USER_CALLS; call++)
		try(what, call, address, nr, foll, want, more);
}

static void *map(size_t size, int prot, int flags, int fd)
{
	void *p = mmap(NULL, size, prot, flags, fd, 0);

	if (p == MAP_FAILED) {
		printf("gupdiff: mmap: %s\n", strerror(errno));
		failures++;
		return NULL;
	}
	return p;
}

static char *map_anon(size_t size)
{
	return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* a mapping with pages in it */
static char *filled(char *p, size_t size)
{
	if (p)
		memset(p, 1, size);
	return p;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		printf("gupdiff: %s: %s\n", path, strerror(errno));
		failures++;
	}
	close(fd);
}

static char *map_huge(void)
{
	char *p = map_anon(2 * HUGE);

	if (!p)
		return NULL;
	p = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));
	madvise(p, HUGE, MADV_HUGEPAGE);
	return filled(p, HUGE);
}

/* A child that shares all pages, until it is told to end. */
static pid_t forked(void)
{
	pid_t child = fork();

	if (!child)
		for (;;)
			pause();
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void after_fork(const char *what, unsigned int call, unsigned int foll, struct want want)
{
	char *p = filled(map_anon(2 * MAP_PAGE), 2 * MAP_PAGE);
	pid_t child = forked();

	try(what, call, p, 2, foll, 2, want);
	end(child);
	munmap(p, 2 * MAP_PAGE);
}

static void longterm(unsigned int call)
{
	/* "mm/gup: migrate pinned pages out of movable zone" */
	const unsigned int facts = since(5, 13) ? GD_USER_MOVED | GD_USER_WAS_MOVABLE :
						  GD_USER_WAS_MOVABLE | GD_USER_IS_MOVABLE;
	char *p = filled(map_anon(2 * MAP_PAGE), 2 * MAP_PAGE);

	try("anonymous in ZONE_MOVABLE", call, p, 2, WRITE | LONGTERM, 2,
	    (struct want){ facts, .back = since(5, 13) ? 2 : 0 });
	munmap(p, 2 * MAP_PAGE);
}

static void anonymous(void)
{
	struct want movable = { GD_USER_WAS_MOVABLE | GD_USER_IS_MOVABLE, 0 };
	struct want none = {};
	char *p = filled(map_anon(4 * MAP_PAGE), 4 * MAP_PAGE);

	try_all("anonymous", p, 4, WRITE, 4, movable);
	mprotect(p, 4 * MAP_PAGE, PROT_READ);
	try("read-only", GD_USER_PIN_FAST, p, 2, 0, 2, movable);
	try("read-only", GD_USER_PIN_FAST, p, 2, WRITE, -EFAULT, movable);
	/*
	 * "mm: remember exclusively mapped anonymous pages with PG_anon_exclusive"; before,
	 * a page is copied or not, as its other references are.
	 */
	if (since(5, 19))
		try("read-only", GD_USER_PIN, p, 2, WRITE | FORCE, 2, movable);
	mprotect(p, 4 * MAP_PAGE, PROT_NONE);
	try("PROT_NONE", GD_USER_PIN_FAST, p, 2, 0, -EFAULT, none);
	try("PROT_NONE", GD_USER_GET, p, 2, 0, -EFAULT, none);
	mprotect(p, 4 * MAP_PAGE, PROT_READ | PROT_WRITE);
	munmap(p + 2 * MAP_PAGE, 2 * MAP_PAGE);
	try("half unmapped", GD_USER_PIN_FAST, p, 4, WRITE, 2, movable);
	try("half unmapped", GD_USER_PIN_UNLOCKED, p, 4, WRITE, 2, movable);
	try("unmapped", GD_USER_PIN_FAST, p + 2 * MAP_PAGE, 2, WRITE, -EFAULT, none);
	try("kernel's address", GD_USER_PIN_FAST, (void *)(1ul << 47), 1, 0, -EFAULT, none);
	p = map_anon(2 * MAP_PAGE);
	try("never written", GD_USER_PIN_FAST, p, 2, 0, 2, none);
	try("never written", GD_USER_GET_FAST, p, 2, 0, 2, none);
}

static void huge(void)
{
	struct want thp = { GD_USER_WAS_MOVABLE | GD_USER_IS_MOVABLE, 9 };
	char *p = map_huge();

	try_all("THP", p + 3 * MAP_PAGE, 8, WRITE, 8, thp);
	/* its other half stays: it is mapped by page table entries now */
	munmap(p + HUGE / 2, HUGE / 2);
	try_all("THP by pages", p + 3 * MAP_PAGE, 4, WRITE, 4, thp);

	put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "2");
	p = filled(map(HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1), HUGE);
	if (p)
		try_all("hugetlb", p + 5 * MAP_PAGE, 4, WRITE, 4, thp);
}

static void files(void)
{
	struct want movable = { GD_USER_WAS_MOVABLE | GD_USER_IS_MOVABLE, 0 };
	int fd = memfd_create("gupdiff", 0);
	char *p;

	if (ftruncate(fd, 4 * MAP_PAGE))
		failures++;
	p = filled(map(4 * MAP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd), 4 * MAP_PAGE);
	try_all("shmem", p, 3, WRITE, 3, movable);

	mkdir("/files", 0755);
	mount("files", "/files", "ramfs", 0, NULL);
	fd = open("/files/file", O_RDWR | O_CREAT, 0600);
	if (ftruncate(fd, 4 * MAP_PAGE))
		failures++;
	p = filled(map(4 * MAP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd), 4 * MAP_PAGE);
	/* ramfs does not want its pages moved */
	try_all("file", p, 3, WRITE, 3, (struct want){});
	p = map(4 * MAP_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	try("private file", GD_USER_PIN_FAST, p, 2, WRITE, 2,
	    (struct want){ GD_USER_IS_MOVABLE, 0 });

	fd = syscall(SYS_memfd_secret, 0);
	if (fd >= 0 && !ftruncate(fd, MAP_PAGE)) {
		p = filled(map(MAP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd), MAP_PAGE);
		/* the lockless walk looks at the mapping once it has the page */
		try("secretmem", GD_USER_PIN_FAST, p, 1, 0, -EFAULT, (struct want){ .back = 1 });
		try("secretmem", GD_USER_GET, p, 1, 0, -EFAULT, (struct want){});
	}
}

/* How many could not be made. */
static int run_mappings(int fd)
{
	struct want stays = { GD_USER_WAS_MOVABLE | GD_USER_IS_MOVABLE, 0 };
	struct want moves = { GD_USER_MOVED | GD_USER_WAS_MOVABLE | GD_USER_IS_MOVABLE, 0 };

	device = fd;
	put("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	anonymous();
	huge();
	files();
	after_fork("shared by fork", GD_USER_PIN_FAST, WRITE, moves);
	after_fork("shared by fork", GD_USER_PIN, WRITE, moves);
	/* found to be shared once it is pinned: "mm: support GUP-triggered unsharing" */
	moves.back = 1;
	after_fork("shared by fork", GD_USER_PIN_FAST, 0, since(5, 19) ? moves : stays);
	after_fork("shared by fork", GD_USER_GET_FAST, 0, stays);
	longterm(GD_USER_PIN_FAST);
	longterm(GD_USER_PIN);
	return failures;
}
