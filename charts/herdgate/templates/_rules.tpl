{{- /*
  What the operator does in the namespaces that it looks after; operator/rbac.yaml says the same, and a test compares.
  Server-side apply is patch, and create as well when the object is not there yet.
*/ -}}
{{- define "herdgate.rules" -}}
# the clusters that people ask for
- apiGroups: [herdgate.io]
  resources: [mqttclusters]
  verbs: [list, watch]
# tells how each cluster is: level, clients, conditions
- apiGroups: [herdgate.io]
  resources: [mqttclusters/status]
  verbs: [patch]
# records of reopenings; people steer by annotations there, which are taken off
- apiGroups: [herdgate.io]
  resources: [reopenings]
  verbs: [list, watch, create, patch, delete]
# tells how each reopening goes
- apiGroups: [herdgate.io]
  resources: [reopenings/status]
  verbs: [patch]
# the brokers' configuration, their Services, and the accounts of their pods, which may do nothing
- apiGroups: [""]
  resources: [configmaps, serviceaccounts, services]
  verbs: [list, watch, create, patch]
# edges and shards
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [list, watch, create, patch]
# keeps a node's drain from taking all edges at once; goes when all edges that are left stand on one node
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
# makes the tokens of links and of the admin port, reads the latter to steer, and looks whether the Secrets that a
# cluster names exist: by name, none is listed or watched
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create]
# where to ask for the level, and why a pod does not start
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# tells of changes that people should see
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}
