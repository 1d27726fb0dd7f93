import { Fragment } from "react";
import { texts } from "../../texts";
import { Keys } from "../keyboard/keys";
import type { Shortcut } from "../keyboard/shortcuts";

/** A line of the list of shortcuts. */
export function ShortcutEntry({ keys, label }: Pick<Shortcut, "keys" | "label">) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {keys.map((each, index) => (
          <Fragment key={each}>
            {index > 0 && ` ${texts.keys.or} `}
            <Keys keys={each} />
          </Fragment>
        ))}
      </dd>
    </div>
  );
}
