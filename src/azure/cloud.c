/* Clouds: the addresses of Microsoft's clouds (docs/service.md sections 1.1, 2.9). */
#include "azure/credential.h"

static const struct azure_cloud clouds[] = {
    {
        .name = "public",
        .authority = "https://login.microsoftonline.com",
        .query_endpoint = "https://api.loganalytics.azure.com",
        .query_audience = "https://api.loganalytics.io",
        .arm_endpoint = "https://management.azure.com",
        .arm_audience = "https://management.azure.com",
        .storage_audience = "https://storage.azure.com",
        .storage_suffix = "core.windows.net",
        .blob_suffix = "blob.core.windows.net",
        .dfs_suffix = "dfs.core.windows.net",
        .vault_suffix = "vault.azure.net",
        .vault_audience = "https://vault.azure.net",
    },
    {
        .name = "usgovernment",
        .authority = "https://login.microsoftonline.us",
        .query_endpoint = "https://api.loganalytics.us",
        .query_audience = "https://api.loganalytics.us",
        .arm_endpoint = "https://management.usgovcloudapi.net",
        .arm_audience = "https://management.usgovcloudapi.net",
        .storage_audience = "https://storage.azure.com",
        .storage_suffix = "core.usgovcloudapi.net",
        .blob_suffix = "blob.core.usgovcloudapi.net",
        .dfs_suffix = "dfs.core.usgovcloudapi.net",
        .vault_suffix = "vault.usgovcloudapi.net",
        .vault_audience = "https://vault.usgovcloudapi.net",
    },
    {
        .name = "china",
        .authority = "https://login.chinacloudapi.cn",
        .query_endpoint = "https://api.loganalytics.azure.cn",
        .query_audience = "https://api.loganalytics.azure.cn",
        .arm_endpoint = "https://management.chinacloudapi.cn",
        .arm_audience = "https://management.chinacloudapi.cn",
        .storage_audience = "https://storage.azure.com",
        .storage_suffix = "core.chinacloudapi.cn",
        .blob_suffix = "blob.core.chinacloudapi.cn",
        .dfs_suffix = "dfs.core.chinacloudapi.cn",
        .vault_suffix = "vault.azure.cn",
        .vault_audience = "https://vault.azure.cn",
    },
};

const struct azure_cloud *azure_cloud_find(const char *name)
{
    for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++)
        if (strcmp(clouds[i].name, name) == 0)
            return &clouds[i];
    return NULL;
}
