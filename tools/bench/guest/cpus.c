/* Listens to the kernel's events and brings every CPU that is plugged in online. */
#include "rows.h"

enum { AF_NETLINK = 16, SOCK_DGRAM = 2, NETLINK_KOBJECT_UEVENT = 15, O_WRONLY = 1 };

struct address {
  u16 family, padding;
  u32 pid, groups;
};

static const char PREFIX[] = "add@/devices/system/cpu/cpu";

static int begins(const char *text, const char *prefix) {
  while (*prefix)
    if (*text++ != *prefix++) return 0;
  return 1;
}

static void bring_online(const char *number) {
  static char path[64];
  char *end = path;
  for (const char *from = "/sys/devices/system/cpu/cpu"; *from; from++) *end++ = *from;
  while (*number && end < path + 40) *end++ = *number++;
  for (const char *from = "/online"; *from; from++) *end++ = *from;
  *end = 0;
  long file = CALL2(SYS_OPEN, path, O_WRONLY);
  require(file >= 0 && CALL3(SYS_WRITE, file, "1", 1) == 1, "cannot bring the CPU online");
  CALL1(SYS_CLOSE, file);
}

void watch_cpus(void) {
  static char event[4096];
  struct address address = {AF_NETLINK, 0, 0, 1};
  long socket = CALL3(SYS_SOCKET, AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
  require(socket >= 0 && CALL3(SYS_BIND, socket, &address, sizeof address) == 0, "netlink");
  print("@watching\n");
  for (;;) {
    long length = CALL5(SYS_RECVFROM, socket, event, sizeof event - 1, 0, 0);
    if (length <= 0) continue;
    event[length] = 0;
    if (!begins(event, PREFIX)) continue;
    bring_online(event + sizeof PREFIX - 1);
    print("@online ");
    print(event + sizeof PREFIX - 1);
    print("\n");
  }
}
