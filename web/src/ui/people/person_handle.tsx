import type { KnownPerson } from "./use_people";
import "./person_handle.css";

interface Props {
  user: KnownPerson;
  others: readonly KnownPerson[];
}

/** Tells people of the same name apart: by their handle, or by their id. */
export function PersonHandle({ user, others }: Props) {
  const shown = user.handle ?? (isAmbiguous(user, others) ? user.id : undefined);
  return shown === undefined ? null : <span className="person-handle">@{shown}</span>;
}

const isAmbiguous = (user: KnownPerson, others: readonly KnownPerson[]): boolean =>
  others.some((each) => each.id !== user.id && each.name.toLowerCase() === user.name.toLowerCase());
