// Generated from registry/quantum.yaml by `npm run generate`. Do not edit.

/** What the keys of the link are made of over which the message came. */
export const ATTR_QUANTUM_LINK_KEY_SOURCE = "quantum.link.key_source";

/** The same of all links of the mesh that the message crossed, in their order. */
export const ATTR_QUANTUM_PATH_KEY_SOURCES = "quantum.path.key_sources";

/** How many links of the mesh the message crossed. */
export const ATTR_QUANTUM_PATH_HOPS = "quantum.path.hops";

/** Whether keys of simulated photons, which add no security, are among them. */
export const ATTR_QUANTUM_PATH_SIMULATED = "quantum.path.simulated";
