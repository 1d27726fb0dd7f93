import { ChevronDown, ChevronRight, Ellipsis, FolderX, PencilLine } from "lucide-react";
import { type ComponentProps, useState } from "react";
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

type HeadingEvents = Omit<ComponentProps<"h2">, "className" | "children">;

interface Props {
  section: Section;
  isCollapsed: boolean;
  onToggle: () => void;
}

/** The heading of a section, which collapses it. The reader's own ones have a menu. */
export function SectionHeading({ isOwn, ...props }: Props & { isOwn: boolean }) {
  if (isOwn) return <OwnHeading {...props} />;
  return (
    <div className="section-heading">
      <Heading {...props} />
    </div>
  );
}

/** The button in it shows the unread count of what it hides. */
function Heading({ section: { name, conversations }, isCollapsed, onToggle, ...events }: Props & HeadingEvents) {
  const unread = useChatState((state) => (isCollapsed ? unreadInSection(conversations, state.features) : 0));
  const Chevron = isCollapsed ? ChevronRight : ChevronDown;
  return (
    <h2 className="list-heading" {...events}>
      <button type="button" className="reach" aria-expanded={!isCollapsed} onClick={onToggle}>
        <span className="name" dir="auto">
          {name}
        </span>
        <Chevron className="icon" aria-hidden="true" />
        {unread > 0 && <UnreadCount count={unread} weight="usual" />}
      </button>
    </h2>
  );
}

/** The menu renames and removes the section. A long press and the right button open it too. */
function OwnHeading(props: Props) {
  const { name } = props.section;
  const chat = useChat();
  const [renames, setRenames] = useState(false);
  const [menu, setMenu] = useState(false);
  const press = useLongPress(() => setMenu(true));
  const labels = texts.places.sections;
  return (
    <div className="section-heading">
      {/* Not around the menu and the dialog, whose events React counts as those of what is around them. */}
      <Heading
        {...props}
        {...press}
        onContextMenu={(event) => {
          press.onContextMenu(event);
          event.preventDefault();
          setMenu(true);
        }}
      />
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
