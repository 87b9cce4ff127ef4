/* NVIDIA's driver without a GPU, which says in a file that a process has begun with it. */
#include <stdio.h>
#include <stdlib.h>

int cuInit(unsigned int flags) {
    FILE *log = fopen(getenv("CUDA_LOG"), "a");
    fputs("cuInit\n", log);
    fclose(log);
    return 100; /* CUDA_ERROR_NO_DEVICE */
}
