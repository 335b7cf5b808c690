// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings at random, of a few pages each, and a call on each of them that the module
 * records.  What such a call must do nobody says here.
 */

#define PLAN_BASE	((char *)0x10000000)
#define PLAN_PAGES	GD_CALL_PAGES

static unsigned long long plan_state;

/* Below n. */
static unsigned int draw(unsigned int n)
{
	plan_state ^= plan_state << 13;
	plan_state ^= plan_state >> 7;
	plan_state ^= plan_state << 17;
	return (plan_state >> 11) % n;
}

struct plan {
	int prot[PLAN_PAGES];	/* -1: not mapped */
	pid_t child;
};

static void touch(struct plan *plan, unsigned int first, unsigned int nr, int prot)
{
	volatile char *p;
	unsigned int i;

	for (i = first; i < first + nr; i++) {
		p = PLAN_BASE + i * MAP_PAGE;
		if (plan->prot[i] < 0 || !(plan->prot[i] & prot))
			continue;
		if (prot == PROT_WRITE)
			*p = 1;
		else
			(void)*p;
	}
}

static void protect(struct plan *plan, unsigned int first, unsigned int nr)
{
	static const int prots[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE };
	int prot = prots[draw(3)];
	unsigned int i;

	for (i = first; i < first + nr; i++) {
		if (plan->prot[i] < 0 || mprotect(PLAN_BASE + i * MAP_PAGE, MAP_PAGE, prot))
			continue;
		plan->prot[i] = prot;
	}
}

static void prepare(struct plan *plan)
{
	unsigned int first = draw(PLAN_PAGES), nr = 1 + draw(PLAN_PAGES - first), i;
	char *p = PLAN_BASE + first * MAP_PAGE;

	switch (draw(12)) {
	case 0 ... 4:
		touch(plan, first, nr, PROT_WRITE);
		break;
	case 5 ... 6:
		touch(plan, first, nr, PROT_READ);
		break;
	case 7:
		madvise(p, nr * MAP_PAGE, MADV_DONTNEED);
		break;
	case 8:
		protect(plan, first, nr);
		break;
	case 9:
		if (draw(2))
			mlock(p, nr * MAP_PAGE);
		else
			munlock(p, nr * MAP_PAGE);
		break;
	case 10:
		if (!plan->child)
			plan->child = forked();
		break;
	case 11:
		if (draw(3))
			break;
		munmap(p, nr * MAP_PAGE);
		for (i = first; i < first + nr; i++)
			plan->prot[i] = -1;
	}
}

static unsigned int draw_foll(unsigned int call)
{
	unsigned int foll = draw(2) ? WRITE : 0;

	if (!draw(6))
		foll |= FORCE;
	if (call < GD_USER_GET_FAST && !draw(4))
		foll |= LONGTERM;
	return foll;
}

static void run_plan(void)
{
	struct plan plan = {};
	struct gd_recording c = {};
	unsigned int i, first;
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (!draw(3)) {
		fd = memfd_create("gupdiff", 0);
		flags = draw(2) ? MAP_SHARED : MAP_PRIVATE;
		if (ftruncate(fd, PLAN_PAGES * MAP_PAGE))
			failures++;
	}
	if (mmap(PLAN_BASE, PLAN_PAGES * MAP_PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) !=
	    PLAN_BASE)
		failures++;
	for (i = 0; i < PLAN_PAGES; i++)
		plan.prot[i] = PROT_READ | PROT_WRITE;
	for (i = draw(7); i; i--)
		prepare(&plan);
	first = draw(PLAN_PAGES);
	c.address = (unsigned long)PLAN_BASE + first * MAP_PAGE;
	c.nr = 1 + draw(PLAN_PAGES - first);
	c.call = draw(GD_NR_USER_CALLS);
	c.foll = draw_foll(c.call);
	if (ioctl(device, GD_LIVE_RECORD, &c))
		failures++;
	if (plan.child)
		end(plan.child);
	munmap(PLAN_BASE, PLAN_PAGES * MAP_PAGE);
	if (fd >= 0)
		close(fd);
}

/* How many could not be made. */
static int run_plans(int fd, unsigned int nr, unsigned long long seed)
{
	device = fd;
	failures = 0;
	plan_state = seed * 0x9e3779b97f4a7c15ull + 1;
	while (nr--)
		run_plan();
	return failures;
}
