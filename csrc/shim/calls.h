/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Distinguishes the calls of a function from its definition in the same file by
 * their first word: a parameter begins with a type, an argument does not.
 *
 *	#define f(...) GD_USE(f, __VA_ARGS__)
 *	#define GD_CALL_f(...) what a call of f() becomes
 */
#ifndef GD_CALLS_H
#define GD_CALLS_H

#define GD_TYPE_struct		~, 1,
#define GD_TYPE_unsigned	~, 1,
#define GD_PASTE(a, b)		GD_PASTE_(a, b)
#define GD_PASTE_(a, b)		a##b
#define GD_FIRST(first, ...)	first
#define GD_SECOND(...)		GD_SECOND_(__VA_ARGS__)
#define GD_SECOND_(a, b, ...)	b
#define GD_IS_DEFINITION(...)	GD_SECOND(GD_PASTE(GD_TYPE_, GD_FIRST(__VA_ARGS__)), 0, ~)
#define GD_USE_1(name, ...)	name(__VA_ARGS__)
#define GD_USE_0(name, ...)	GD_CALL_##name(__VA_ARGS__)
#define GD_USE(name, ...)	GD_PASTE(GD_USE_, GD_IS_DEFINITION(__VA_ARGS__))(name, __VA_ARGS__)

#endif
