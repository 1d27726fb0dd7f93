import { creatable } from "@talkwire/client/parts";
import { Camera, ChevronRight, Compass, type LucideIcon, MessageCircle, Users } from "lucide-react";
import { texts } from "../../texts";
import { EmptyState } from "../components/empty_state";
import { useChatState } from "../page/chat_context";
import type { SidebarDialog } from "./sidebar_dialogs";
import { StartPeople } from "./start_people";
import "./start_cards.css";

/** What a user without conversations can do first. */
export function StartCards({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  const rights = useChatState((state) => state.rights);
  const hasPicture = useChatState((state) => state.me.avatar !== undefined);
  const kinds = creatable(rights);
  const labels = texts.places.starts;
  return (
    <EmptyState title={texts.welcome(texts.name)}>
      <p>{texts.noConversationsHint}</p>
      {kinds.includes("direct") && <StartPeople />}
      <div className="start-cards">
        {kinds.includes("direct") && (
          <Card
            icon={MessageCircle}
            label={labels.direct}
            hint={labels.directHint}
            onClick={() => onOpen({ kind: "new" })}
          />
        )}
        {kinds.includes("group") && (
          <Card
            icon={Users}
            label={labels.group}
            hint={labels.groupHint}
            onClick={() => onOpen({ kind: "new", wanted: "group" })}
          />
        )}
        <Card
          icon={Compass}
          label={texts.places.browse}
          hint={labels.browseHint}
          onClick={() => onOpen({ kind: "browse" })}
        />
        {!hasPicture && (
          <Card
            icon={Camera}
            label={labels.picture}
            hint={labels.pictureHint}
            onClick={() => onOpen({ kind: "settings", section: "profile" })}
          />
        )}
      </div>
    </EmptyState>
  );
}

interface CardProps {
  icon: LucideIcon;
  label: string;
  hint: string;
  onClick: () => void;
}

function Card({ icon: Icon, label, hint, onClick }: CardProps) {
  return (
    <button type="button" className="start-card" onClick={onClick}>
      <Icon className="icon" aria-hidden="true" />
      <strong>{label}</strong>
      <span>{hint}</span>
      <ChevronRight className="icon onward" aria-hidden="true" />
    </button>
  );
}
