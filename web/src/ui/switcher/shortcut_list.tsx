import { Fragment } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { Keys } from "../keyboard/keys";
import { type Group, SHORTCUTS, type Shortcut } from "../keyboard/shortcuts";
import "./shortcut_list.css";

const GROUPS: readonly Group[] = ["moving", "messages", "writing"];

/** Lists all keyboard shortcuts. */
export default function ShortcutList({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={texts.keyboard} onClose={onClose} hasText className="shortcuts large">
      {GROUPS.map((group) => (
        <section key={group}>
          <h3>{texts.keys.groups[group]}</h3>
          <dl>
            {SHORTCUTS.filter((shortcut) => shortcut.group === group).map((shortcut) => (
              <Entry key={shortcut.name} shortcut={shortcut} />
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

function Entry({ shortcut: { keys, label } }: { shortcut: Shortcut }) {
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
