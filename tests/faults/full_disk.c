/* A full disk where none may be mounted: preloaded into a process, it lets files below FULL_FOLDER take FULL_ROOM bytes
   more, all together; then none can be written there or made. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MADE 4096 /* bytes that a new file takes */

static long taken;

static int takes(const char *path, long bytes) {
    const char *folder = getenv("FULL_FOLDER"), *room = getenv("FULL_ROOM");
    if (!folder || !room || strncmp(path, folder, strlen(folder))) return 1;
    if (__atomic_add_fetch(&taken, bytes, __ATOMIC_SEQ_CST) <= atol(room)) return 1;
    errno = ENOSPC;
    return 0;
}

static int file_takes(int file, long bytes) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 1;
    path[length] = 0;
    return takes(path, bytes);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *content, size_t bytes) {
    return file_takes(file, bytes) ? REAL(write)(file, content, bytes) : -1;
}

ssize_t pwrite64(int file, const void *content, size_t bytes, off64_t at) {
    return file_takes(file, bytes) ? REAL(pwrite64)(file, content, bytes, at) : -1;
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (flags & O_CREAT && access(path, F_OK) && !takes(path, MADE)) return -1;
    return REAL(open64)(path, flags, mode);
}
