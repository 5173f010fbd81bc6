/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seed - what an image has where a volume is put comes into the volume, once: images that are
 * preloaded for the engine inside.
 *
 * The only thing that is ever copied, since a volume has to be on a file system that overlays can
 * lie on. It happens when the volume is empty; after that the volume is the truth.
 */
#ifndef SYSVISOR_RUNC_SEED_H
#define SYSVISOR_RUNC_SEED_H

#include "base/error.h"

/* `rootfs` and `volume` are paths of the host, `destination` one in the container. Owners, modes,
 * times, extended attributes, hard links and overlay's whiteouts are kept; other devices, sockets
 * and FIFOs stay behind. One that was interrupted is begun anew. */
must_check int seed_volume(const char *rootfs, const char *destination, const char *volume,
			   struct error *err);

#endif
