/* SPDX-License-Identifier: Apache-2.0 */
/* subids - our line in /etc/subuid and /etc/subgid, and what others write there. */
#ifndef SYSVISOR_MGR_SUBIDS_H
#define SYSVISOR_MGR_SUBIDS_H

#include "sysvisor/mgr/manager.h"

/* Reads the range of settings.subid_user, and makes the line in both files when it is in neither;
 * sets up manager->slots. */
must_check int subids_open(struct manager *manager, struct error *err);

/* When the files have changed, takes what others own now out of what may be given away. */
void subids_refresh(struct manager *manager);

#endif
