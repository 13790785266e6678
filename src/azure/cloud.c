/* Clouds: the addresses of Microsoft's clouds (docs/service.md sections 1.1, 2.1). */
#include "azure/credential.h"

static const struct azure_cloud clouds[] = {
    {"public", "https://login.microsoftonline.com", "https://api.loganalytics.azure.com",
     "https://api.loganalytics.io", "https://management.azure.com", "https://management.azure.com",
     "https://storage.azure.com"},
    {"usgovernment", "https://login.microsoftonline.us", "https://api.loganalytics.us",
     "https://api.loganalytics.us", "https://management.usgovcloudapi.net",
     "https://management.usgovcloudapi.net", "https://storage.azure.com"},
    {"china", "https://login.chinacloudapi.cn", "https://api.loganalytics.azure.cn",
     "https://api.loganalytics.azure.cn", "https://management.chinacloudapi.cn",
     "https://management.chinacloudapi.cn", "https://storage.azure.com"},
};

const struct azure_cloud *azure_cloud_find(const char *name)
{
    for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++)
        if (strcmp(clouds[i].name, name) == 0)
            return &clouds[i];
    return NULL;
}
