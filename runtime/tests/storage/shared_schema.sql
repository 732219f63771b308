-- The thirteen tables as their owner's tool makes them: written from the description of the schema,
-- not from the models, so that a slip in the models shows.
CREATE TYPE role AS ENUM ('user', 'admin');
CREATE TYPE tenant_status AS ENUM ('active', 'suspended', 'inactive');
CREATE TYPE deployment_mode AS ENUM ('dedicated', 'shared');
CREATE TYPE deployment_status AS ENUM ('draft', 'deploying', 'deployed', 'failed', 'stopped');
CREATE TYPE room_status AS ENUM ('active', 'ended');

CREATE TABLE users (
    id serial PRIMARY KEY, open_id varchar(64) NOT NULL UNIQUE, name text, email varchar(320),
    login_method varchar(64), role role DEFAULT 'user' NOT NULL,
    last_signed_in timestamp DEFAULT now() NOT NULL,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE tenants (
    id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name varchar(255) NOT NULL, slug varchar(128) NOT NULL UNIQUE,
    status tenant_status DEFAULT 'active' NOT NULL, resource_quota text,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE agents (
    id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tenant_id integer NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name varchar(255) NOT NULL, description text,
    stt_provider varchar(64) NOT NULL, stt_config text,
    tts_provider varchar(64) NOT NULL, tts_config text, voice_id varchar(255),
    llm_provider varchar(64) NOT NULL, llm_model varchar(128), llm_config text,
    vision_enabled integer DEFAULT 0 NOT NULL, screen_share_enabled integer DEFAULT 0 NOT NULL,
    transcribe_enabled integer DEFAULT 0 NOT NULL, languages text, avatar_model varchar(255),
    system_prompt text, initial_greeting text, temperature real DEFAULT 0.6,
    mcp_gateway_url varchar(512), mcp_config text,
    deployment_mode deployment_mode DEFAULT 'shared' NOT NULL,
    deployment_status deployment_status DEFAULT 'draft' NOT NULL,
    deployment_namespace varchar(128) DEFAULT 'agents', max_concurrent_sessions integer DEFAULT 10,
    resource_limits text, kubernetes_manifest text, widget_config text, widget_snippet text,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE settings (
    id serial PRIMARY KEY, key varchar(255) NOT NULL UNIQUE, value text, description text,
    updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE rooms (
    id serial PRIMARY KEY, room_sid varchar(255) NOT NULL UNIQUE, room_name varchar(255) NOT NULL,
    started_at timestamp NOT NULL, ended_at timestamp, participant_count integer DEFAULT 0,
    status room_status DEFAULT 'active' NOT NULL, metadata json,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE participants (
    id serial PRIMARY KEY, participant_sid varchar(255) NOT NULL UNIQUE,
    room_id integer NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    identity varchar(255) NOT NULL, name varchar(255), joined_at timestamp NOT NULL,
    left_at timestamp, duration_seconds integer, state varchar(50) NOT NULL, metadata json,
    is_agent boolean DEFAULT false,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE agent_runtime_instances (
    id serial PRIMARY KEY, pod_name varchar(255) NOT NULL UNIQUE,
    namespace varchar(128) DEFAULT 'livekit', status varchar(50) NOT NULL,
    started_at timestamp NOT NULL, last_heartbeat timestamp NOT NULL, cpu_usage integer,
    memory_usage integer, active_agent_count integer DEFAULT 0,
    total_sessions_handled integer DEFAULT 0, metadata json,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE agent_instance_sessions (
    id serial PRIMARY KEY, agent_id integer NOT NULL, tenant_id integer NOT NULL,
    session_id varchar(255) NOT NULL UNIQUE, room_name varchar(255) NOT NULL,
    runtime_instance_id integer REFERENCES agent_runtime_instances (id) ON DELETE SET NULL,
    status varchar(50) NOT NULL, started_at timestamp NOT NULL, ended_at timestamp,
    duration_seconds integer, participant_count integer DEFAULT 0, metadata json,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE session_metrics (
    id serial PRIMARY KEY,
    session_id varchar(255) NOT NULL REFERENCES agent_instance_sessions (session_id),
    agent_id integer NOT NULL, tenant_id integer NOT NULL, date date NOT NULL,
    message_count integer DEFAULT 0, user_message_count integer DEFAULT 0,
    agent_message_count integer DEFAULT 0, avg_stt_latency integer DEFAULT 0,
    avg_tts_latency integer DEFAULT 0, avg_llm_latency integer DEFAULT 0,
    total_tokens integer DEFAULT 0, input_tokens integer DEFAULT 0, output_tokens integer DEFAULT 0,
    total_cost integer DEFAULT 0, langfuse_cost integer DEFAULT 0, error_count integer DEFAULT 0,
    metadata json,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE agent_metrics (
    id serial PRIMARY KEY, agent_id integer NOT NULL, tenant_id integer NOT NULL,
    session_id varchar(255), metric_type varchar(50) NOT NULL, metric_value integer,
    metric_label varchar(255), timestamp timestamp DEFAULT now() NOT NULL, metadata json,
    created_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE tenant_metrics (
    id serial PRIMARY KEY, tenant_id integer NOT NULL, date date NOT NULL,
    active_agents integer DEFAULT 0, total_sessions integer DEFAULT 0,
    total_duration_seconds integer DEFAULT 0, total_cost integer DEFAULT 0,
    avg_latency integer DEFAULT 0, error_count integer DEFAULT 0, metadata json,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE langfuse_traces (
    id serial PRIMARY KEY, trace_id varchar(255) NOT NULL UNIQUE, agent_id integer NOT NULL,
    tenant_id integer NOT NULL, session_id varchar(255), name varchar(255), user_id varchar(255),
    input json, output json, metadata json, tags json, timestamp timestamp NOT NULL,
    created_at timestamp DEFAULT now() NOT NULL
);
CREATE TABLE langfuse_metrics (
    id serial PRIMARY KEY, agent_id integer NOT NULL, tenant_id integer NOT NULL,
    trace_id varchar(255) REFERENCES langfuse_traces (trace_id), session_id varchar(255),
    date date NOT NULL, total_tokens integer DEFAULT 0, input_tokens integer DEFAULT 0,
    output_tokens integer DEFAULT 0, total_cost integer DEFAULT 0, avg_latency integer DEFAULT 0,
    trace_count integer DEFAULT 0, model_name varchar(255), metadata json,
    created_at timestamp DEFAULT now() NOT NULL, updated_at timestamp DEFAULT now() NOT NULL
);
