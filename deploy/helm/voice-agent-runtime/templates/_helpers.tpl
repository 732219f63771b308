{{- define "runtime.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "runtime.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := include "runtime.name" . }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}

{{- define "runtime.selector" -}}
app.kubernetes.io/name: {{ include "runtime.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "runtime.labels" -}}
{{ include "runtime.selector" . }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "runtime.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "runtime.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "runtime.fullname" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- define "runtime.secret" -}}
{{- default (include "runtime.fullname" .) .Values.existingSecret }}
{{- end }}

{{/* What the three pods have in common: `root`, `part`, and `values` of the part. */}}
{{- define "runtime.pod" -}}
{{- if ne .part "migrate" }}{{/* which runs before the release's own account is there */}}
serviceAccountName: {{ include "runtime.serviceAccount" .root }}
{{- end }}
automountServiceAccountToken: {{ and (eq .part "worker") .root.Values.podDeletionCost.enabled }}
securityContext: {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {}
{{- end }}

{{- define "runtime.container" -}}
image: {{ include "runtime.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext: {{- toYaml .root.Values.securityContext | nindent 2 }}
envFrom:
  - configMapRef: {name: {{ include "runtime.configName" . }}}
  - secretRef: {name: {{ include "runtime.secretName" . }}}
resources: {{- toYaml .values.resources | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{/* The migration runs before the release's own objects are there, so it has its own copies of both. */}}
{{- define "runtime.configName" -}}
{{ include "runtime.fullname" .root }}{{ if eq .part "migrate" }}-migrate{{ end }}
{{- end }}
{{- define "runtime.secretName" -}}
{{ include "runtime.secret" .root }}{{ if and (eq .part "migrate") (not .root.Values.existingSecret) }}-migrate{{ end }}
{{- end }}
