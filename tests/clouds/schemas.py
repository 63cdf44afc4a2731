"""Fields that platforms know whose models are in no package, with where they are from."""

FABRIC_DEFINITION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["executableFile", "commandLineArguments", "language"],
    "properties": {
        "executableFile": {"type": "string", "pattern": r"^abfss://.+\.py$"},
        "defaultLakehouseArtifactId": {"type": "string"},
        "mainClass": {"type": "string"},
        "additionalLakehouseIds": {"type": "array", "items": {"type": "string"}},
        "retryPolicy": {"type": ["object", "null"]},
        "commandLineArguments": {"type": "string"},
        "additionalLibraryUris": {"type": "array", "items": {"type": "string"}},
        "language": {"enum": ["Python", "Scala/Java", "R"]},
        "environmentArtifactId": {"type": ["string", "null"]},
    },
}
"""learn.microsoft.com/rest/api/fabric/articles/item-management/definitions/spark-job-definition"""

SPARK_APPLICATION = {
    *("type", "sparkVersion", "mode", "proxyUser", "image", "imagePullPolicy", "imagePullSecrets", "mainClass"),
    *("mainApplicationFile", "arguments", "sparkConf", "hadoopConf", "sparkConfigMap", "hadoopConfigMap", "volumes"),
    *("driver", "executor", "deps", "restartPolicy", "nodeSelector", "failureRetries", "retryInterval"),
    *("pythonVersion", "memoryOverheadFactor", "monitoring", "batchScheduler", "timeToLiveSeconds"),
    *("batchSchedulerOptions", "sparkUIOptions", "driverIngressOptions", "dynamicAllocation"),
}
_SPARK_POD = {
    *("template", "cores", "coreLimit", "memory", "memoryOverhead", "gpu", "image", "configMaps", "secrets", "env"),
    *("envVars", "envFrom", "envSecretKeyRefs", "labels", "annotations", "volumeMounts", "affinity", "tolerations"),
    *("podSecurityContext", "securityContext", "schedulerName", "sidecars", "initContainers", "hostNetwork"),
    *("nodeSelector", "dnsConfig", "terminationGracePeriodSeconds", "serviceAccount", "hostAliases"),
    *("shareProcessNamespace", "runtimeClassName"),
}
_SPARK_BOTH = {"coreRequest", "javaOptions", "lifecycle", "ports", "priorityClassName"}
SPARK_DRIVER = _SPARK_POD | _SPARK_BOTH | {"podName", "kubernetesMaster", "serviceAnnotations", "serviceLabels"}
SPARK_EXECUTOR = _SPARK_POD | _SPARK_BOTH | {"instances", "deleteOnTermination"}
"""The three: github.com/kubeflow/spark-operator, api/v1beta2/sparkapplication_types.go at 07f3cecdbf9a."""

SPARK_SECURITY_CONTEXT = {"runAsNonRoot", "allowPrivilegeEscalation", "capabilities", "runAsUser", "seccompProfile"}
