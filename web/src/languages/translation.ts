/** What a translation has to have: the same texts as `texts.ts`, with the same arguments. */

import type { ErrorCode } from "@talkwire/client";
import type { happened, somethingHappened, texts } from "../texts";

export type Translated<T> = T extends string
  ? string
  : T extends (...values: infer Values) => string
    ? (...values: Values) => string
    : { readonly [Name in keyof T]: Translated<T[Name]> };

/** A missing text and one that English does not have are type errors. */
export type Texts = Translated<typeof texts>;
export type Happened = Translated<typeof happened>;

/** The texts of notifications, which the service worker has in all languages. */
export interface PushedTexts {
  readonly happened: Happened;
  readonly somethingHappened: Translated<typeof somethingHappened>;
}

/** What refusals mean, by code. `invalid_request` has a reason of its own. */
export type Problems = Readonly<Record<Exclude<ErrorCode, "invalid_request"> | "unreachable", string>> &
  Readonly<Record<string, string>>;

export interface Translation extends PushedTexts {
  readonly texts: Texts;
}
