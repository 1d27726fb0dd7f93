import { Tab, TabList, TabPanel, TabProvider } from "@ariakit/react";
import { Bell, KeyRound, type LucideIcon, MonitorSmartphone, Palette, ShieldCheck, UserRound } from "lucide-react";
import type { ComponentType } from "react";
import { useState } from "react";
import { texts } from "../../texts";
import AlertSettings from "../alerts/alert_settings";
import { Dialog } from "../components/dialog";
import { AccountSettings } from "./account_settings";
import { AppearanceSettings } from "./appearance_settings";
import { DevicesSettings } from "./devices_settings";
import { PrivacySettings } from "./privacy_settings";
import { ProfileSettings } from "./profile_settings";
import "./settings.css";

interface Props {
  /** The section to open; by default the first. */
  section?: string | undefined;
  onClose: () => void;
}

/**
 * The reader's settings. Each section says when a change takes effect, and keeps what was typed while another is shown.
 */
export default function Settings({ section = "profile", onClose }: Props) {
  const [shown, setShown] = useState<readonly string[]>([section]);
  return (
    <Dialog title={texts.account.settings} onClose={onClose} className="settings">
      <TabProvider
        selectedId={shown.at(-1)}
        setSelectedId={(id) => id && setShown((before) => [...before.filter((each) => each !== id), id])}
      >
        <TabList className="sections" aria-label={texts.account.settings}>
          {SECTIONS.map(({ id, label, icon: Icon }) => (
            <Tab key={id} id={id} className="section">
              <Icon className="icon" aria-hidden="true" />
              <span>{label}</span>
            </Tab>
          ))}
        </TabList>
        {SECTIONS.map(({ id, label, Content }) => (
          <TabPanel key={id} tabId={id} className="content" unmountOnHide={!shown.includes(id)}>
            <p className="section-title" aria-hidden="true">
              {label}
            </p>
            <Content />
          </TabPanel>
        ))}
      </TabProvider>
    </Dialog>
  );
}

export interface Section {
  readonly id: string;
  readonly label: string;
  readonly icon: LucideIcon;
  readonly Content: ComponentType;
}

/** The sections of the settings, in order. */
export const SECTIONS: readonly Section[] = [
  { id: "profile", label: texts.settings.profile, icon: UserRound, Content: ProfileSettings },
  { id: "appearance", label: texts.settings.appearance, icon: Palette, Content: AppearanceSettings },
  { id: "notifications", label: texts.alerts.title, icon: Bell, Content: AlertSettings },
  { id: "devices", label: texts.settings.devices, icon: MonitorSmartphone, Content: DevicesSettings },
  { id: "privacy", label: texts.settings.privacy, icon: ShieldCheck, Content: PrivacySettings },
  { id: "account", label: texts.settings.account, icon: KeyRound, Content: AccountSettings },
];
