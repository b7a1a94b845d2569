/* A plugin of qemu's user emulation that counts the instructions a program executes:
 *
 *     cc -O2 -shared -fPIC count.c -o count.so
 *     qemu-arm -plugin file=count.so,out=FILE PROGRAM
 *
 * appends their number to FILE at the program's end. Declared here and not by qemu-plugin.h, which
 * distributions leave out of their packages: version 1 of the interface, qemu 4.2 to 8.2. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t Id;
typedef struct qemu_plugin_tb Block;
extern size_t qemu_plugin_tb_n_insns(const Block *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(Id, void (*)(Id, Block *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(Block *, int operation, void *, uint64_t);
extern void qemu_plugin_register_atexit_cb(Id, void (*)(Id, void *), void *);
enum { ADD_U64 = 0 };

EXPORT int qemu_plugin_version = 1;
static uint64_t count;
static char out[4096];

static void translated(Id id, Block *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &count, qemu_plugin_tb_n_insns(block));
}

static void ended(Id id, void *nothing) {
    (void)id, (void)nothing;
    FILE *file = fopen(out, "a");
    if (!file) return;
    fprintf(file, "%llu\n", (unsigned long long)count);
    fclose(file);
}

EXPORT int qemu_plugin_install(Id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4)) snprintf(out, sizeof out, "%s", argv[i] + 4);
    }
    if (!out[0]) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, 0);
    return 0;
}
