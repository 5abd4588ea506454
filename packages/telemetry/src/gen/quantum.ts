// Generated from registry/quantum.yaml by `npm run generate`. Do not edit.

/** What the keys of the link are made of over which the message came. */
export const ATTR_QUANTUM_LINK_KEY_SOURCE = "quantum.link.key_source";

/** How many times that link has got new keys; links that TLS protects have none. */
export const ATTR_QUANTUM_LINK_KEY_EPOCH = "quantum.link.key_epoch";

/** Share of wrong bits of the quantum link below it, where a key manager says so. */
export const ATTR_QUANTUM_LINK_QBER = "quantum.link.qber";

/** Fidelity of the Werner pairs that would have that share of wrong bits (F = 1 - 3/2 QBER). */
export const ATTR_QUANTUM_LINK_FIDELITY = "quantum.link.fidelity";

/** The same of all links of the mesh that the message crossed, in their order. */
export const ATTR_QUANTUM_PATH_KEY_SOURCES = "quantum.path.key_sources";

/** How many links of the mesh the message crossed. */
export const ATTR_QUANTUM_PATH_HOPS = "quantum.path.hops";

/** Whether keys of simulated photons, which add no security, are among them. */
export const ATTR_QUANTUM_PATH_SIMULATED = "quantum.path.simulated";
