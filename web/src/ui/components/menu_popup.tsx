import { Menu, MenuItem, PortalContext, useMenuStore } from "@ariakit/react";
import { ArrowLeft, Check, ChevronRight } from "lucide-react";
import { type ComponentProps, type Ref, type RefObject, useLayoutEffect, useRef, useState } from "react";
import { texts } from "../../texts";
import { byTouch } from "../keyboard/focus";
import { backClosesPopups, useBackCloses } from "../page/use_back_closes";
import { useLeaving } from "../page/use_leaving";
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
  const [left, setLeft] = useState<string>();
  useBackCloses(backClosesPopups(), props.onClose);
  if (opened?.choices === undefined) return <Level key="menu" {...props} focused={left} onChoices={setOpened} />;
  const goBack = (): void => {
    setLeft(opened.label);
    setOpened(null);
  };
  return (
    <Level
      key="choices"
      {...props}
      label={opened.label.replace(/…$/, "")}
      actions={opened.choices()}
      onChoices={setOpened}
      onBack={goBack}
    />
  );
}

interface LevelProps extends Props {
  /** The label of the item that has the focus at first; by default that of the first one. */
  focused?: string | undefined;
  onChoices: (action: MenuAction) => void;
  onBack?: () => void;
}

/** The items of the menu, or those in place of them, below an item that leads back. */
function Level({ label, actions, anchor, at, placement, focused, onClose, onChoices, onBack }: LevelProps) {
  const popup = useRef<HTMLDivElement>(null);
  const first = useRef<HTMLDivElement>(null);
  useLeaving(popup);
  const firstLabel = focused ?? actions[0]?.label;
  useBackCloses(onBack !== undefined && backClosesPopups(), onBack ?? onClose);
  const menu = useMenuStore({
    open: true,
    setOpen: (open) => open || onClose(),
    placement: placement ?? (at === undefined ? "bottom-end" : "bottom-start"),
  });
  // Without the library's own button, the menu does not take the focus by itself.
  useLayoutEffect(() => menu.setAutoFocusOnShow(true), [menu]);
  const landmark = anchor.current?.closest<HTMLElement>("main, aside, .panel") ?? null;
  return (
    <PortalContext value={landmark}>
      <Menu
        ref={popup}
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
        initialFocus={first}
        finalFocus={anchor}
        getAnchorRect={() => at ?? anchor.current?.getBoundingClientRect() ?? null}
        onKeyDown={({ key }) => key === "ArrowLeft" && onBack?.()}
      >
        {onBack && (
          <MenuItem
            className="menu-item menu-back"
            onClick={onBack}
            hideOnClick={false}
            aria-label={texts.backFrom(label)}
          >
            <ArrowLeft className="icon" aria-hidden="true" />
            <span className="says">{label}</span>
          </MenuItem>
        )}
        {actions.map((action) => (
          <Item
            key={`${action.icon ? "icon " : ""}${action.label}`}
            ref={action.label === firstLabel ? first : undefined}
            action={action}
            onChoices={onChoices}
          />
        ))}
      </Menu>
    </PortalContext>
  );
}

interface ItemProps {
  ref: Ref<HTMLDivElement> | undefined;
  action: MenuAction;
  onChoices: (action: MenuAction) => void;
}

function Item({ ref, action, onChoices }: ItemProps) {
  const { label, icon: Icon, isDangerous, isChecked, startsGroup, count, href, onClick, choices } = action;
  const link = href === undefined ? {} : { render: (props: ComponentProps<"a">) => <a {...props} href={href} /> };
  const checkable = isChecked === undefined ? {} : { role: "menuitemradio", "aria-checked": isChecked };
  const classes = ["menu-item", isDangerous && "dangerous", startsGroup && "starts-group"].filter(Boolean).join(" ");
  return (
    <MenuItem
      ref={ref}
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
