/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_facts - what an engine says of a container, put into the container, within bounds.
 *
 * Pure: the parsers take the text of an answer or a file. They add to what is there; what is
 * already known stays.
 */
#ifndef IDENTITY_CONTAINER_FACTS_H
#define IDENTITY_CONTAINER_FACTS_H

#include "identity/container.h"

/* Forgets all that came from an engine. */
void container_clear(struct container *container);

/* Sets a text that isn't there yet, such as &container->name; an empty one is no text. */
void container_set(char **text, struct slice value);

/* A label of the container's, or of its pod's, which gives way to it. Kubernetes' own also tell the
 * pod. */
void container_add_label(struct container *container, struct slice name, struct slice value);

/* An annotation of an OCI bundle: of use only where it tells the image or the pod. */
void container_add_annotation(struct container *container, struct slice name, struct slice value);

/* Docker's answer to GET /containers/ID/json, Podman's to the same, or Docker's own
 * containers/ID/config.v2.json. False: it is none of these. */
bool container_parse_docker(struct container *container, struct slice json);

/* The config.json of an OCI bundle. */
bool container_parse_bundle(struct container *container, struct slice json);

/* The overlay-containers/containers.json of the storage that Podman and CRI-O share. False: the
 * container isn't listed. */
bool container_parse_storage(struct container *container, struct slice json);

#endif
