{{- define "talkwire.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "talkwire.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "talkwire.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "talkwire.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "talkwire.selector" -}}
app.kubernetes.io/name: {{ include "talkwire.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "talkwire.testLabels" -}}
app.kubernetes.io/name: {{ include "talkwire.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "talkwire.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "talkwire.selector" . }}
{{- end -}}

{{- define "talkwire.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "talkwire.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "talkwire.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "talkwire.onPostgresql" -}}
{{- if eq .Values.database "postgresql" }}yes{{ end -}}
{{- end -}}

{{/* Whether there is a claim: SQLite's data, or the files of several nodes without S3. */}}
{{- define "talkwire.hasClaim" -}}
{{- if and .Values.persistence.enabled (or (not (include "talkwire.onPostgresql" .)) (not .Values.files)) }}yes{{ end -}}
{{- end -}}

{{- define "talkwire.claim" -}}
{{- default (include "talkwire.fullname" .) .Values.persistence.existingClaim -}}
{{- end -}}

{{- define "talkwire.ingressUrl" -}}
{{ ternary "https" "http" (ne .Values.ingress.tlsSecret "") }}://{{ .Values.ingress.host }}/
{{- end -}}

{{/* What the schema cannot express. */}}
{{- define "talkwire.validate" -}}
{{- if include "talkwire.onPostgresql" . -}}
  {{- if not (or .Values.files .Values.persistence.enabled) -}}
    {{- fail "files would end with their pod: set files to s3://…, or persistence.enabled to true" -}}
  {{- end -}}
  {{- if and (include "talkwire.hasClaim" .) (not .Values.persistence.existingClaim) (not (has "ReadWriteMany" .Values.persistence.accessModes)) -}}
    {{- fail "several nodes share the volume of the files: set persistence.accessModes to [ReadWriteMany], or files to s3://…" -}}
  {{- end -}}
  {{- if lt (float64 .Values.terminationGracePeriodSeconds) (addf .Values.drainSeconds 15) -}}
    {{- fail "terminationGracePeriodSeconds must be at least 15 more than drainSeconds" -}}
  {{- end -}}
  {{- if and .Values.autoscaling.enabled (lt (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.minReplicas)) -}}
    {{- fail "autoscaling.maxReplicas must be at least autoscaling.minReplicas" -}}
  {{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.trustedProxies) -}}
  {{- fail "behind an ingress all clients would share its address and its limits: set trustedProxies to the addresses of its pods" -}}
{{- end -}}
{{- end -}}

{{/* A setting's value as a text. Helm reads all numbers as floating ones and would print 1e+08, and YAML reads `off` as
a boolean. */}}
{{- define "talkwire.settingValue" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else if kindIs "bool" . -}}
{{- ternary "on" "off" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/* The pod security level "restricted". */}}
{{- define "talkwire.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "talkwire.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
