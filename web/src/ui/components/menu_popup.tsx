import { Menu, MenuItem, PortalContext, useMenuStore } from "@ariakit/react";
import { Check, ChevronRight } from "lucide-react";
import { type ComponentProps, type RefObject, useLayoutEffect, useState } from "react";
import { byTouch } from "../keyboard/focus";
import { backClosesPopups, useBackCloses } from "../page/use_back_closes";
import type { MenuAction } from "./menu_action";

interface Props {
  label: string;
  actions: readonly MenuAction[];
  anchor: RefObject<HTMLElement | null>;
  placement?: "bottom-start" | "bottom-end";
  /** Where the menu opens; by default below the anchor. */
  at?: { readonly x: number; readonly y: number };
  onClose: () => void;
}

/** An open menu. A module of its own, because few visits need it. */
export default function MenuPopup(props: Props) {
  const [opened, setOpened] = useState<MenuAction | null>(null);
  useBackCloses(backClosesPopups(), props.onClose);
  if (opened?.choices === undefined) return <Level key="menu" {...props} onChoices={setOpened} />;
  return (
    <Level
      key="choices"
      {...props}
      label={opened.label}
      actions={opened.choices()}
      onChoices={setOpened}
      onBack={() => setOpened(null)}
    />
  );
}

interface LevelProps extends Props {
  onChoices: (action: MenuAction) => void;
  onBack?: () => void;
}

/** The items of the menu, or those in place of them. */
function Level({ label, actions, anchor, at, placement, onClose, onChoices, onBack }: LevelProps) {
  const menu = useMenuStore({
    open: true,
    setOpen: (open) => open || onClose(),
    placement: placement ?? (at === undefined ? "bottom-end" : "bottom-start"),
  });
  // Without the library's own button, the menu does not take the focus by itself.
  useLayoutEffect(() => {
    menu.setInitialFocus("first");
    menu.setAutoFocusOnShow(true);
  }, [menu]);
  const landmark = anchor.current?.closest<HTMLElement>("main, aside, .panel") ?? null;
  return (
    <PortalContext value={landmark}>
      <Menu
        store={menu}
        className="menu"
        aria-label={label}
        portal
        // The tap that closes it is not meant for what is below.
        modal={byTouch}
        preventBodyScroll={false}
        preserveTabOrder={false}
        gutter={4}
        // In a low window, it covers what it belongs to.
        overlap
        finalFocus={anchor}
        getAnchorRect={() => at ?? anchor.current?.getBoundingClientRect() ?? null}
        onKeyDown={({ key }) => key === "ArrowLeft" && onBack?.()}
      >
        {actions.map((action) => (
          <Item key={`${action.icon ? "icon " : ""}${action.label}`} action={action} onChoices={onChoices} />
        ))}
      </Menu>
    </PortalContext>
  );
}

function Item({ action, onChoices }: { action: MenuAction; onChoices: (action: MenuAction) => void }) {
  const { label, icon: Icon, isDangerous, isChecked, startsGroup, count, href, onClick, choices } = action;
  const link = href === undefined ? {} : { render: (props: ComponentProps<"a">) => <a {...props} href={href} /> };
  const checkable = isChecked === undefined ? {} : { role: "menuitemradio", "aria-checked": isChecked };
  const classes = ["menu-item", isDangerous && "dangerous", startsGroup && "starts-group"].filter(Boolean).join(" ");
  return (
    <MenuItem
      className={classes}
      onClick={() => (choices === undefined ? onClick?.() : onChoices(action))}
      hideOnClick={choices === undefined}
      aria-label={count && `${label}, ${count.words}`}
      aria-haspopup={choices === undefined ? undefined : "menu"}
      {...checkable}
      {...link}
    >
      {Icon && <Icon className="icon" aria-hidden="true" />}
      <span className="says">{label}</span>
      {count && <span className="count">{count.shown}</span>}
      {isChecked && <Check className="icon" aria-hidden="true" />}
      {choices && <ChevronRight className="icon" aria-hidden="true" />}
    </MenuItem>
  );
}
