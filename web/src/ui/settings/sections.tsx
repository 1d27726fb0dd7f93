import { Bell, KeyRound, type LucideIcon, MonitorSmartphone, Palette, ShieldCheck, UserRound } from "lucide-react";
import type { ComponentType } from "react";
import { texts } from "../../texts";
import AlertSettings from "../alerts/alert_settings";
import { AccountSettings } from "./account_settings";
import { AppearanceSettings } from "./appearance_settings";
import { DevicesSettings } from "./devices_settings";
import { PrivacySettings } from "./privacy_settings";
import { ProfileSettings } from "./profile_settings";

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
