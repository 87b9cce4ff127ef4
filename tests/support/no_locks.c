/* A file system that refuses locks, as NFS without a lock daemon and Lustre without `flock` do. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

int flock(int descriptor, int operation) {
    (void)descriptor;
    (void)operation;
    errno = ENOLCK;
    return -1;
}
