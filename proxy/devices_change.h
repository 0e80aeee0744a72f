/* SPDX-License-Identifier: MIT */
#ifndef PROXY_DEVICES_CHANGE_H
#define PROXY_DEVICES_CHANGE_H

struct config;
struct roster_device;

/*
 * What `devices rename` and `devices forget` do: change what the store has
 * learned of a camera, beside the recorder if it runs (record/store_devices.h),
 * and ask the running appliance to take it over.
 *
 * Say on stdout what was done and on stderr what was not; return the exit code.
 */
int device_rename(const struct config *config, const struct roster_device *device,
    const char *name);
int device_forget(const struct config *config, const struct roster_device *device);

#endif
