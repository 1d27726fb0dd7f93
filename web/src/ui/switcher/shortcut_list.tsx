import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { ShortcutEntry } from "../components/shortcut_entry";
import { type Group, SHORTCUTS } from "../keyboard/shortcuts";
import { useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import "./shortcut_list.css";

const DeskShortcuts = lazyPart(() => import("../desk/desk_shortcuts"), "place");

const GROUPS: readonly Group[] = ["moving", "messages", "writing"];

/** Lists all keyboard shortcuts. */
export default function ShortcutList({ onClose }: { onClose: () => void }) {
  const isStaff = useChatState((state) => state.teams.length > 0);
  return (
    <Dialog title={texts.keyboard} onClose={onClose} hasText className="shortcuts large">
      {GROUPS.map((group) => (
        <section key={group}>
          <h3>{texts.keys.groups[group]}</h3>
          <dl>
            {SHORTCUTS.filter((shortcut) => shortcut.group === group).map((shortcut) => (
              <ShortcutEntry key={shortcut.name} {...shortcut} />
            ))}
          </dl>
        </section>
      ))}
      {isStaff && <DeskShortcuts />}
    </Dialog>
  );
}
