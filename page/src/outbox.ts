// Answers that have not arrived yet: kept in this browser until the server has them.
import { Value } from "./store";

/** How many wait to be sent. */
export const waiting = new Value(0);
