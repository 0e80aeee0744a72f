/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SANDBOX_PRIVATE_H
#define PROXY_SANDBOX_PRIVATE_H

/*
 * For the files of the sandbox only.
 *
 * 1 in a build with the address sanitizer, which looks at /proc/self and, at
 * the end, stops the process from outside to look for leaks.  Such a build is
 * for tests: it lets itself do that, and nothing else is loosened.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

#endif
