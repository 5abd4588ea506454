/** What edges, machines and segments may be called. Pure. */

export const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
