package org.apache.flink.connector.aws.table.util;

import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.base.table.options.ConfigurationValidator;
import org.apache.flink.connector.base.table.options.TableOptionsUtils;
import org.apache.flink.kinesis.shaded.org.apache.flink.connector.aws.util.AWSGeneralUtil;

/**
 * Stands before the class of this name in flink-connector-kinesis 1.15.2. All options of Kinesis tables that begin with "aws." pass here, whatever made the
 * table (SQL in any form, a descriptor, a catalog), so this is where a table without an endpoint gets the one of the profile: two system properties,
 * which are empty on real AWS. A third names a file of keys for jobs that run in a session cluster (session.py). No text of a statement has to be read for it, and none can avoid it.
 */
public class AWSOptionUtils implements TableOptionsUtils, ConfigurationValidator {
    public static final String AWS_PROPERTIES_PREFIX = "aws.";
    private static final String ENDPOINT = "workshop.aws.endpoint";
    private static final String REGION = "workshop.aws.region";
    private static final String KEYS = "workshop.aws.keys";

    private final Map options;

    public AWSOptionUtils(Map resolvedOptions) {
        options = new HashMap(resolvedOptions);
        String endpoint = System.getProperty(ENDPOINT, "");
        String region = System.getProperty(REGION, "");
        if (!endpoint.isEmpty() && !options.containsKey("aws.endpoint")) {
            options.put("aws.endpoint", endpoint);
            options.put("aws.http.protocol.version", "HTTP1_1");  // HTTP/2 is spoken by AWS's own endpoint only
        }
        if (!region.isEmpty() && !options.containsKey("aws.region")) {
            options.put("aws.region", region);
        }
        String keys = System.getProperty(KEYS, "");
        if (!keys.isEmpty() && !options.containsKey("aws.credentials.provider")) {
            options.put("aws.credentials.provider", "PROFILE");
            options.put("aws.credentials.profile.name", "workshop");
            options.put("aws.credentials.profile.path", keys);
        }
    }

    public Map getProcessedResolvedOptions() {
        Map found = new HashMap();
        Iterator each = options.entrySet().iterator();
        while (each.hasNext()) {
            Map.Entry option = (Map.Entry) each.next();
            String name = (String) option.getKey();
            if (name.startsWith(AWS_PROPERTIES_PREFIX)) {
                found.put(property(name), option.getValue());
            }
        }
        return found;
    }

    public List getNonValidatedPrefixes() {
        return Collections.singletonList(AWS_PROPERTIES_PREFIX);
    }

    public Properties getValidatedConfigurations() {
        Properties properties = new Properties();
        properties.putAll(getProcessedResolvedOptions());
        AWSGeneralUtil.validateAwsConfiguration(properties);
        return properties;
    }

    /** Table options say aws.credentials.basic.accesskeyid where the connector's properties say aws.credentials.provider.basic.accesskeyid. */
    private static String property(String option) {
        return option.endsWith("credentials.provider") ? option : option.replace("credentials.", "credentials.provider.");
    }
}
