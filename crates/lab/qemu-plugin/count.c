/*
 * A QEMU plugin that counts the instructions which the guest executes, split by
 * user and kernel mode, while they can be read by another process.
 *
 * -plugin file=count.so,counters=FILE
 *
 * FILE is made with a line of 64 bytes for each virtual processor: three 64-bit
 * counters in the machine's byte order (user, kernel, probe), then zeros. Each
 * line is written by the thread of its processor alone.
 *
 * User mode is told by the address: below 2^47 (x86-64; while the machine boots,
 * firmware and the kernel's first steps pass for it). "probe" counts the user
 * code in a range of addresses where no program lies but one that checks this
 * plugin.
 *
 * QEMU executes blocks of instructions that it has translated together. A block
 * is counted as a whole when it is entered: where a page fault or another
 * exception leaves it early, the rest of it is counted too, and again when it
 * runs. A repeated string instruction (rep movs and the like) runs as many
 * blocks; it is counted once, as processors count it, and once more each time
 * that it goes on after an interrupt or a fault.
 *
 * QEMU's plugin interface, version 1, is declared here as far as it is used
 * (include/qemu/qemu-plugin.h of QEMU 7.2), for Debian does not ship the header.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned int cpu, void *data),
                                          enum qemu_plugin_cb_flags flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
#define MOST_CPUS 64
#define USER_END (UINT64_C(1) << 47)
/* As in the linker's options for the probe (src/vm/instructions.rs). */
#define PROBE_BEGIN UINT64_C(0x500000000000)
#define PROBE_END UINT64_C(0x500001000000)

EXPORT int qemu_plugin_version = 1;

enum mode { USER, KERNEL, PROBE, MODES };

struct line {
    uint64_t counters[8];
};

/* In shared memory. */
static struct line *lines;

/* The address of the repeated instruction with which the processor's last block
 * has ended, or 0. */
static struct {
    uint64_t repeated;
    uint64_t padding[7];
} last[MOST_CPUS];

static void count(unsigned int cpu, enum mode mode, uint64_t instructions) {
    /* Another process reads it meanwhile: one store, whole. */
    uint64_t *counter = &lines[cpu].counters[mode];
    __atomic_store_n(counter, *counter + instructions, __ATOMIC_RELAXED);
}

/* What is known of a block fits into the pointer that comes with its execution. */
static void *packed(size_t instructions, enum mode mode) {
    return (void *)(uintptr_t)(instructions * MODES + mode);
}

static void block_executed(unsigned int cpu, void *data) {
    uintptr_t block = (uintptr_t)data;
    if (cpu >= MOST_CPUS) return;
    last[cpu].repeated = 0;
    count(cpu, block % MODES, block / MODES);
}

/* A block that ends with a repeated instruction; where that is the only one, it
 * may be the next round of the same. */
struct rounds {
    uint64_t repeated;
    size_t instructions;
    enum mode mode;
};

static void round_executed(unsigned int cpu, void *data) {
    const struct rounds *block = data;
    if (cpu >= MOST_CPUS) return;
    if (block->instructions > 1 || last[cpu].repeated != block->repeated) count(cpu, block->mode, block->instructions);
    last[cpu].repeated = block->repeated;
}

/* Whether it is rep or repne with a string instruction: prefixes, the last of
 * which may be REX, then ins, outs, movs, cmps, stos, lods or scas. */
static int is_repeated(const struct qemu_plugin_insn *insn) {
    const uint8_t *bytes = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    int rep = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];
        if (byte == 0xf2 || byte == 0xf3) {
            rep = 1;
        } else if (byte != 0x66 && byte != 0x67 && (byte & 0xf0) != 0x40 && byte != 0x64 && byte != 0x65) {
            return rep && ((byte >= 0x6c && byte <= 0x6f) || (byte >= 0xa4 && byte <= 0xa7) ||
                           (byte >= 0xaa && byte <= 0xaf));
        }
    }
    return 0;
}

static enum mode mode_of(uint64_t address) {
    if (address >= USER_END) return KERNEL;
    return address >= PROBE_BEGIN && address < PROBE_END ? PROBE : USER;
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    size_t instructions = qemu_plugin_tb_n_insns(tb);
    if (instructions == 0) return;
    enum mode mode = mode_of(qemu_plugin_tb_vaddr(tb));
    const struct qemu_plugin_insn *end = qemu_plugin_tb_get_insn(tb, instructions - 1);
    if (is_repeated(end)) {
        /* Kept until QEMU ends: a few bytes for each translation. */
        struct rounds *block = malloc(sizeof *block);
        if (!block) abort();
        *block = (struct rounds){qemu_plugin_insn_vaddr(end), instructions, mode};
        qemu_plugin_register_vcpu_tb_exec_cb(tb, round_executed, QEMU_PLUGIN_CB_NO_REGS, block);
        return;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, block_executed, QEMU_PLUGIN_CB_NO_REGS, packed(instructions, mode));
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
    static const char option[] = "counters=";
    size_t size = sizeof(struct line) * MOST_CPUS;
    int file;
    (void)info;
    if (argc != 1 || strncmp(argv[0], option, sizeof option - 1) != 0) return -1;
    file = open(argv[0] + sizeof option - 1, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || ftruncate(file, (off_t)size) != 0) return -1;
    lines = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (lines == MAP_FAILED) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    return 0;
}
