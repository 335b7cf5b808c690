// SPDX-License-Identifier: GPL-2.0
/*
 * For objects with clang's own coverage: its runtime calls atexit(), which the C library
 * has only as a static function that needs the start files of a shared object.  Whatever
 * is to be done at the end is done when the object is unloaded, if that is earlier.
 */
extern int __cxa_atexit(void (*function)(void *), void *arg, void *object);
extern void __cxa_finalize(void *object);

static char object;

int atexit(void (*function)(void));
int atexit(void (*function)(void))
{
	return __cxa_atexit((void (*)(void *))function, 0, &object);
}

static __attribute__((__destructor__)) void unloaded(void)
{
	__cxa_finalize(&object);
}
