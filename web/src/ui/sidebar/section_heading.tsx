import { ChevronDown, ChevronRight, Ellipsis, FolderX, PencilLine } from "lucide-react";
import { useState } from "react";
import type { Section } from "../../chat/conversations/list_sections";
import { unreadInSection } from "../../chat/conversations/unread";
import { texts } from "../../texts";
import { MenuButton } from "../components/menu";
import { UnreadCount } from "../components/unread_count";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { useLongPress } from "../timeline/use_long_press";
import { removeSection, renameSection } from "./change_section";

const SectionDialog = lazyPart(() => import("./section_dialog"));

interface Props {
  section: Section;
  isCollapsed: boolean;
  onToggle: () => void;
}

/**
 * The heading of a section, which collapses it and has a menu. It shows the unread count of what it hides. A long press and
 * the right button open the menu too.
 */
export function SectionHeading({ section: { name, conversations }, isCollapsed, onToggle }: Props) {
  const chat = useChat();
  const [renames, setRenames] = useState(false);
  const [menu, setMenu] = useState(false);
  const press = useLongPress(() => setMenu(true));
  const unread = useChatState((state) => (isCollapsed ? unreadInSection(conversations, state.features) : 0));
  const labels = texts.places.sections;
  const Chevron = isCollapsed ? ChevronRight : ChevronDown;
  return (
    <div className="section-heading">
      {/* Not around the menu and the dialog, whose events React counts as those of what is around them. */}
      <h2
        className="list-heading"
        {...press}
        onContextMenu={(event) => {
          press.onContextMenu(event);
          event.preventDefault();
          setMenu(true);
        }}
      >
        <button type="button" className="reach" aria-expanded={!isCollapsed} onClick={onToggle}>
          <span className="name" dir="auto">
            {name}
          </span>
          <Chevron className="icon" aria-hidden="true" />
          {unread > 0 && <UnreadCount count={unread} weight="usual" />}
        </button>
      </h2>
      <MenuButton
        icon={Ellipsis}
        label={labels.menuOf(name)}
        tabIndex={-1}
        open={menu}
        onOpen={setMenu}
        actions={() => [
          { label: labels.rename, icon: PencilLine, onClick: () => setRenames(true) },
          {
            label: labels.remove,
            icon: FolderX,
            onClick: () => void removeSection(chat, name),
          },
        ]}
      />
      {renames && (
        <SectionDialog
          title={labels.renameTitle}
          name={name}
          onName={(wanted) => renameSection(chat, name, wanted)}
          onClose={() => setRenames(false)}
        />
      )}
    </div>
  );
}
