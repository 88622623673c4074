#!/bin/sh
# Run by the uevent listener for every kernel event: brings a CPU that was added online.
[ "$ACTION" = add ] && [ "$SUBSYSTEM" = cpu ] && echo 1 >"/sys$DEVPATH/online"
