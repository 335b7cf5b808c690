// SPDX-License-Identifier: GPL-2.0
/*
 * For objects with clang's own coverage: its runtime calls atexit(), which the C library
 * has only as a static function that needs the start files of a shared object.
 */
extern int __cxa_atexit(void (*function)(void *), void *arg, void *object);

int atexit(void (*function)(void));
int atexit(void (*function)(void))
{
	return __cxa_atexit((void (*)(void *))function, 0, 0);
}
