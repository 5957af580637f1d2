// The server's records by name; schema.d.ts is made from them (make page-types).
import type { components } from "./schema";

type Records = components["schemas"];
export type Get<Name extends keyof Records> = Records[Name];
export type State = Records["State"];
export type Item = Records["Item"];
export type Interval = Records["Interval"];
export type Job = Records["Job"];
export type ClassInfo = Records["ClassInfo"];
