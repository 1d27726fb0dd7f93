import type { LucideIcon } from "lucide-react";
import { useRef, useState } from "react";
import { lazyPart } from "../page/lazy_part";
import { IconButton } from "./icon_button";
import type { MenuAction } from "./menu_action";
import "./menu.css";

interface Props {
  icon: LucideIcon;
  label: string;
  /** Called when the menu is opened. */
  actions: () => readonly MenuAction[];
  /** For a menu that can be opened in another way too. */
  open?: boolean;
  /** -1 where other keys than Tab lead to the button. */
  tabIndex?: number | undefined;
  onOpen?: (open: boolean) => void;
}

const MenuPopup = lazyPart(() => import("./menu_popup"));

/** A button with a menu. Every message has one, so the menu exists only while it is open. */
export function MenuButton({ icon, label, actions, open: given, tabIndex, onOpen }: Props) {
  const [own, setOwn] = useState(false);
  const open = given ?? own;
  const setOpen = onOpen ?? setOwn;
  const button = useRef<HTMLButtonElement>(null);
  // They stay as they were, because what the pointer is at would move.
  const shown = useRef<readonly MenuAction[] | null>(null);
  shown.current = open ? (shown.current ?? actions()) : null;
  return (
    <>
      <IconButton
        ref={button}
        icon={icon}
        label={label}
        tabIndex={tabIndex}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      />
      {shown.current && (
        <MenuPopup label={label} actions={shown.current} anchor={button} onClose={() => setOpen(false)} />
      )}
    </>
  );
}
