import { ShortcutEntry } from "../components/shortcut_entry";
import { DESK_SHORTCUTS } from "./desk_keys";
import { deskTexts } from "./texts";

/** The desk's part of the list of keyboard shortcuts. */
export default function DeskShortcuts() {
  return (
    <section>
      <h3>{deskTexts.title}</h3>
      <dl>
        {DESK_SHORTCUTS.map(({ keys, label }) => (
          <ShortcutEntry key={keys} keys={[keys]} label={label} />
        ))}
      </dl>
    </section>
  );
}
