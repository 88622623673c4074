#!/bin/sh
# First process of the test guest. Words on the kernel's command line change what it does:
#   hotsocket.quiet     no kernel messages on the console from here on
#   hotsocket.online    every CPU that is hot-added is brought online by itself
#   hotsocket.poweroff  power off after the INIT-READY line instead of starting a shell
#   hotsocket.reboot    reboot after the INIT-READY line
export PATH=/bin HOME=/root TERM=linux PS1='# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

read -r cmdline </proc/cmdline
has() { case " $cmdline " in *" hotsocket.$1 "*) return 0 ;; esac; return 1; }
cpus() { read -r "$1" <"/sys/devices/system/cpu/$1"; }

has quiet && dmesg -n 1
has online && uevent /bin/online-cpu &

read -r uptime rest </proc/uptime
cpus online
cpus possible
cpus present
echo "INIT-READY uptime=$uptime cpus_online=$online possible=$possible present=$present"

has poweroff && poweroff -f
has reboot && reboot -f
cd /root
while :; do
  setsid cttyhack sh
done
