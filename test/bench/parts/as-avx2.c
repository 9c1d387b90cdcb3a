/*
 * Makes a program on a Linux x86-64 machine with AVX-512 believe that its processor ends at AVX2 and FMA: for tests and
 * measurements of the paths that libraries take there (onnxruntime, V8, PyTorch, oneDNN, MKL).
 *
 *     cc -shared -fPIC -O2 -o as-avx2.so test/bench/parts/as-avx2.c -ldl
 *     LD_PRELOAD=$PWD/as-avx2.so node ...
 *
 * CPUID is made to fault (arch_prctl(ARCH_SET_CPUID); /proc/cpuinfo says cpuid_fault), and the handler answers it without
 * AVX-512, AVX-VNNI, AVX10 and AMX. A program's own handlers of SIGSEGV get what is no CPUID. The setting holds for the
 * threads that a thread makes, and not over exec.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012

typedef int (*sigaction_function)(int, const struct sigaction *, struct sigaction *);
static struct sigaction theirs;

static sigaction_function real(void) {
  static sigaction_function found;
  if (!found) found = (sigaction_function)dlsym(RTLD_NEXT, "sigaction");
  return found;
}

static void bits(greg_t *reg, unsigned value, unsigned hidden) { *reg = (greg_t)(value & ~hidden); }

static void answer(ucontext_t *context) {
  greg_t *regs = context->uc_mcontext.gregs;
  unsigned leaf = (unsigned)regs[REG_RAX], subleaf = (unsigned)regs[REG_RCX], a, b, c, d;
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
  __cpuid_count(leaf, subleaf, a, b, c, d);
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
  unsigned hide[4] = {0, 0, 0, 0};
  if (leaf == 7 && subleaf == 0) {
    /* AVX512 F DQ IFMA PF ER CD BW VL */
    hide[1] = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;
    /* AVX512 VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
    hide[2] = 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14;
    /* AVX512 4VNNIW 4FMAPS VP2INTERSECT, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8 */
    hide[3] = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;
  } else if (leaf == 7 && subleaf == 1) {
    /* AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA */
    hide[0] = 1u << 4 | 1u << 5 | 1u << 21 | 1u << 23;
    /* AVX-VNNI-INT8, AVX-NE-CONVERT, AMX-COMPLEX, AVX-VNNI-INT16, AVX10 */
    hide[3] = 1u << 4 | 1u << 5 | 1u << 8 | 1u << 10 | 1u << 19;
  }
  bits(&regs[REG_RAX], a, hide[0]);
  bits(&regs[REG_RBX], b, hide[1]);
  bits(&regs[REG_RCX], c, hide[2]);
  bits(&regs[REG_RDX], d, hide[3]);
  regs[REG_RIP] += 2;
}

static void handle(int signal_number, siginfo_t *info, void *context) {
  ucontext_t *at = context;
  const unsigned char *code = (const unsigned char *)at->uc_mcontext.gregs[REG_RIP];
  /* A fault of an instruction, not of an address: its bytes can be read. */
  if (info->si_code == SI_KERNEL && code[0] == 0x0f && code[1] == 0xa2) {
    answer(at);
    return;
  }
  if (theirs.sa_flags & SA_SIGINFO) theirs.sa_sigaction(signal_number, info, context);
  else if (theirs.sa_handler == SIG_DFL || theirs.sa_handler == SIG_IGN) {
    struct sigaction plain = {.sa_handler = SIG_DFL};
    real()(signal_number, &plain, NULL);
  } else theirs.sa_handler(signal_number);
}

int sigaction(int signal_number, const struct sigaction *action, struct sigaction *old) {
  if (signal_number != SIGSEGV) return real()(signal_number, action, old);
  if (old) *old = theirs;
  if (action) theirs = *action;
  return 0;
}

__sighandler_t signal(int signal_number, __sighandler_t handler) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
  return sigaction(signal_number, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

__attribute__((constructor)) static void start(void) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  if (real()(SIGSEGV, &action, NULL) != 0 || syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0) != 0) {
    fputs("as-avx2: this machine cannot make CPUID fault\n", stderr);
    _exit(1);
  }
}
