import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { IconButton } from "../components/icon_button";
import { panelCoversConversation, usePanelCoversConversation } from "./panel_layout";
import "./panel.css";

interface Props {
  title: string;
  /** Buttons beside the title. */
  actions?: ReactNode;
  /** Stays below the scrolling content. */
  footer?: ReactNode;
  children: ReactNode;
}

/** The frame of a panel: its title and a close button. Escape closes it too (`Keyboard`). */
export function PanelFrame({ title, actions, footer, children }: Props) {
  const chat = useChat();
  const isAlone = usePanelCoversConversation();
  const panel = useRef<HTMLElement>(null);
  // A panel that covers the conversation takes the focus, unless something inside has it.
  useEffect(() => {
    const section = panel.current;
    if (panelCoversConversation() && !section?.contains(document.activeElement))
      section?.focus({ preventScroll: true });
  }, []);
  return (
    <section className="panel" role={isAlone ? "main" : undefined} aria-label={title} ref={panel} tabIndex={-1}>
      {isAlone && <h1 className="hidden">{texts.name}</h1>}
      <header>
        <h2>{title}</h2>
        {actions}
        <IconButton icon={X} label={texts.close} onClick={() => chat.openPanel(null)} />
      </header>
      <div className="panel-content">{children}</div>
      {footer}
    </section>
  );
}
